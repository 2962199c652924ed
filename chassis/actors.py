"""Who asks: every message carries the actor behind it. Names of people stay at the login provider."""

from dataclasses import dataclass
from enum import StrEnum


class UserRole(StrEnum):
    """What somebody who logged in, or a program with a token, may do (domain guide 10.7)."""

    READER = "reader"
    """looks at cases, without the contacts of people"""
    OPERATOR = "operator"
    """answers questions at the desk"""
    COORDINATOR = "coordinator"
    """leads the team: what an operator does, and the matching round"""
    POF_SECRETARY = "pof-secretary"
    """prepares the Provinciaal Overlegforum"""
    ADMIN = "admin"
    """manages accounts, links and reference data"""
    AUDITOR = "auditor"
    """sees who did what, and who read whose data"""
    SCHOOL = "school"
    """works at one school, and acts for that school alone"""
    MAILER = "mailer"
    """a program of ours that fetches an address at the moment of sending"""


class Way(StrEnum):
    """How an actor came in."""

    PAGE = "page"
    """logged in, on our pages"""
    API = "api"
    """a program with a bearer token"""
    LINK = "link"
    """a private link"""
    PUBLIC = "public"
    """a public form"""
    PARTNER = "partner"
    """a message of a partner"""
    PLATFORM = "platform"
    """nobody outside: an event, a timer, a second step"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something."""

    id: str
    """Pseudonymous: the subject of a login, the id of a link or of a partner."""
    way: Way
    roles: frozenset[UserRole] = frozenset()
    institution: str | None = None
    """The school of a school's account."""

    @property
    def is_audited(self) -> bool:
        """Does it leave a row in the audit? What partners send is in the events that they cause."""
        return self.way not in (Way.PLATFORM, Way.PARTNER)

    def may(self, *roles: UserRole) -> bool:
        """Has it one of these roles?"""
        return not self.roles.isdisjoint(roles)

    def may_act_for(self, institution: str) -> bool:
        """May it act for this school? Only the school's own accounts are tied to one."""
        return self.institution is None or self.institution == institution


PLATFORM = Actor("platform", Way.PLATFORM)
"""Nobody outside asked: an event, a timer, the result of a second step."""
PUBLIC = Actor("public", Way.PUBLIC)
"""Somebody who filled in a public form; we do not know who."""
