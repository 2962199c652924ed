"""The tables of referral's database."""

from sqlalchemy import MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.referral.domain.referral import Referral

METADATA = MetaData()
add_chassis_tables(METADATA)

REFERRALS = Mapper(Referral, "referrals", METADATA)
