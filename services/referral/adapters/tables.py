"""The tables of referral's database."""

from chassis.persistence.mapper import Mapper
from services.referral.domain.referral import Referral

REFERRALS = Mapper(Referral, "referrals")
