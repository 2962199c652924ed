"""The tables of referral's database."""

from chassis.persistence.mapper import Index, Mapper
from services.referral.domain.referral import Referral

REFERRALS = Mapper(Referral, "referrals", Index("referrals_case_id", ("case_id",)))
