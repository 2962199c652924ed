"""Closed lists and identifiers that events share. A reader of tomorrow's message meets UNKNOWN, never an error."""

from enum import StrEnum
from typing import Annotated, Any, NewType, Self, TypeVar
from uuid import UUID

from pydantic import GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from contracts.dialect import OPEN

CaseId = NewType("CaseId", UUID)
QuestionId = NewType("QuestionId", UUID)
LearnerId = NewType("LearnerId", UUID)
RiskId = NewType("RiskId", UUID)
SearchId = NewType("SearchId", UUID)
WorkplaceId = NewType("WorkplaceId", UUID)
ProposalId = NewType("ProposalId", UUID)
ReferralId = NewType("ReferralId", UUID)
MessageId = NewType("MessageId", UUID)
DossierId = NewType("DossierId", UUID)
AgreementId = NewType("AgreementId", UUID)

SoNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}$")]
"""Number of a structuuronderdeel: the programme that a school may offer (code list `programmes`)."""
InstitutionNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,6}$")]
"""Instellingsnummer of a school or centre (code list `institutions`)."""
NisCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
"""NIS code of a municipality (code list `municipalities`). Places of organisations only, never of a learner."""
JointCommitteeNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}(\.[0-9]{2})?$")]
"""Number of a paritair comité (code list `joint_committees`)."""
SchoolYear = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-20[0-9]{2}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
"""A short identifier out of somebody's list: a rule, a service of a partner, a template. Never free text."""


class OpenEnum(StrEnum):
    """Closed for who writes, open for who reads: a value that JSON brings and we do not know becomes UNKNOWN."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = [member for member in cls if member.name != "UNKNOWN"]
        schema = {"type": "string", "enum": [member.value for member in known], OPEN: True}
        # Not strict: a strict reader of JSON would ask for a member of the enum, and take every text for UNKNOWN.
        closed = core_schema.enum_schema(cls, known, sub_type="str", strict=False)
        opened = core_schema.with_default_schema(closed, default=cls("UNKNOWN"), on_error="default")
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([core_schema.str_schema(), opened]),
            python_schema=core_schema.no_info_after_validator_function(cls._known, closed),
            serialization=core_schema.to_string_ser_schema(),
            metadata={"pydantic_js_updates": schema},
        )

    @classmethod
    def _known(cls, member: Self) -> Self:
        if member.name == "UNKNOWN":
            raise ValueError("UNKNOWN is what a reader makes of a new value; it is never written")
        return member


Known = TypeVar("Known", bound=OpenEnum)


def known(value: Known | None) -> Known | None:
    """The value if we know it: what a newer writer sent us as something else must not be passed on as UNKNOWN."""
    return None if value is None or value.name == "UNKNOWN" else value


class Audience(OpenEnum):
    """Who asks."""

    LERENDE = "LERENDE"
    OUDER = "OUDER"
    SCHOOL = "SCHOOL"
    ONDERNEMING = "ONDERNEMING"
    SECTOR = "SECTOR"
    ORGANISATIE = "ORGANISATIE"
    UNKNOWN = "UNKNOWN"


class Channel(OpenEnum):
    """How a question reached the Steunpunt."""

    WEB = "WEB"
    MAIL = "MAIL"
    TELEFOON = "TELEFOON"
    BALIE = "BALIE"
    EVENT = "EVENT"
    PARTNER = "PARTNER"
    UNKNOWN = "UNKNOWN"


class Topic(OpenEnum):
    """What a question is about; the codes of the referral directory."""

    T01 = "T01"
    """kennismaking: what is dual learning"""
    T02 = "T02"
    """aanbod: which programmes near me"""
    T03 = "T03"
    """studiekeuze: is dual right for me"""
    T04 = "T04"
    """inschrijven: how do I enrol, may I start late"""
    T05 = "T05"
    """klassenraadadvies: advice of the class council"""
    T06 = "T06"
    """aanloopfase: what, where, how long"""
    T07 = "T07"
    """werkplek zoeken: I cannot find a workplace"""
    T08 = "T08"
    """werkplek aanbieden: we want a learner"""
    T09 = "T09"
    """erkenning: how to be recognised"""
    T10 = "T10"
    """loket: trouble with app.werkplekduaal"""
    T11 = "T11"
    """mentor: training and conditions"""
    T12 = "T12"
    """overeenkomst: OAO, SAO, opleidingsplan"""
    T13 = "T13"
    """vergoeding: pay, holidays, hours"""
    T14 = "T14"
    """premie: premiums"""
    T15 = "T15"
    """kinderbijslag: Groeipakket, tax, student job"""
    T16 = "T16"
    """conflict werkplek: trouble at work, bullying, unsafe"""
    T17 = "T17"
    """conflict school: trouble with school"""
    T18 = "T18"
    """stopzetting: an agreement ended"""
    T19 = "T19"
    """afwezigheid: absence, truancy"""
    T20 = "T20"
    """uitval: stopped, at home, no school"""
    T21 = "T21"
    """NAFT: need a time-out"""
    T22 = "T22"
    """18+ zonder diploma: a diploma while working"""
    T23 = "T23"
    """beperking: adjustments, BuSO"""
    T24 = "T24"
    """taal: not enough Dutch"""
    T25 = "T25"
    """mobiliteit: cannot reach the workplace"""
    T26 = "T26"
    """welzijn: distress, family, money"""
    T27 = "T27"
    """arbeidsrecht: working time, insurance, medical examination"""
    T28 = "T28"
    """pedagogisch: organise dual in our school"""
    T29 = "T29"
    """infrastructuur: equipment, technology"""
    T30 = "T30"
    """programmatie: start a new dual programme"""
    T31 = "T31"
    """arbeidsmarkt: numbers, shortage occupations"""
    T32 = "T32"
    """infosessie: please come and explain"""
    T33 = "T33"
    """vorming: training for trajectbegeleiders, teachers"""
    T34 = "T34"
    """campagne: material, logo, testimonial"""
    T35 = "T35"
    """volwassenenonderwijs: dual at a CVO"""
    T36 = "T36"
    """grensoverschrijdend: learner or company from across the border"""
    T37 = "T37"
    """klacht: complaint about the Steunpunt or a partner"""
    T38 = "T38"
    """pers/politiek: press or political question"""
    T39 = "T39"
    """persoonsgegevens: request for access or erasure"""
    T40 = "T40"
    """andere: unclear, a person looks at it"""
    UNKNOWN = "UNKNOWN"


class Subregion(OpenEnum):
    """The five reference regions of West-Vlaanderen."""

    BRUGGE = "BRUGGE"
    OOSTENDE = "OOSTENDE"
    WESTHOEK = "WESTHOEK"
    MIDWEST = "MIDWEST"
    ZUID_WEST = "ZUID_WEST"
    UNKNOWN = "UNKNOWN"


class AgeBand(OpenEnum):
    """Age as coarse as the work allows; a birth date never travels."""

    FROM_15_TO_17 = "15-17"
    FROM_18_TO_25 = "18-25"
    FROM_26 = "26+"
    NOT_GIVEN = "NOT_GIVEN"
    UNKNOWN = "UNKNOWN"


class SchoolNet(OpenEnum):
    """The network (net) that a school belongs to."""

    KOV = "KOV"
    GO = "GO"
    POV = "POV"
    OVSG = "OVSG"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class RiskSignal(OpenEnum):
    """Why a learner is thought to be about to drop out; reported by a person with a role, never predicted."""

    R1 = "R1"
    """no agreement after the start"""
    R2 = "R2"
    """agreement ended early"""
    R3 = "R3"
    """second early end in twelve months"""
    R4 = "R4"
    """suspension of more than 14 days"""
    R5 = "R5"
    """problematic absence"""
    R6 = "R6"
    """in the aanloopfase without progress"""
    R7 = "R7"
    """turned 18 or 25 this school year without OK2 or OK3"""
    R8 = "R8"
    """unmatched, and the nearest open workplace is too far"""
    R9 = "R9"
    """left without a registration elsewhere"""
    R10 = "R10"
    """the text of a question shows distress"""
    UNKNOWN = "UNKNOWN"


class Severity(OpenEnum):
    """How urgent a risk signal is."""

    AMBER = "AMBER"
    RED = "RED"
    UNKNOWN = "UNKNOWN"


class Role(OpenEnum):
    """In which role somebody acts."""

    LERENDE = "LERENDE"
    OUDER = "OUDER"
    TRAJECTBEGELEIDER = "TRAJECTBEGELEIDER"
    SCHOOL = "SCHOOL"
    KLASSENRAAD = "KLASSENRAAD"
    CLB = "CLB"
    VDAB = "VDAB"
    STEUNPUNT = "STEUNPUNT"
    SYSTEM = "SYSTEM"
    UNKNOWN = "UNKNOWN"


class Recognition(OpenEnum):
    """What is known of a workplace's recognition (erkenning); the register is elsewhere."""

    INTERESSE = "INTERESSE"
    AANGEVRAAGD = "AANGEVRAAGD"
    ERKEND = "ERKEND"
    GEWEIGERD = "GEWEIGERD"
    GESCHORST = "GESCHORST"
    VERVALLEN = "VERVALLEN"
    UNKNOWN = "UNKNOWN"


class EducationType(OpenEnum):
    """Mainstream or special secondary education; each has its own deadlines and search clock."""

    GEWOON = "gewoon"
    BUSO = "buso"
    UNKNOWN = "UNKNOWN"


class Weekday(OpenEnum):
    """Days of the week that a learner is at the workplace."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"
    UNKNOWN = "UNKNOWN"


class Language(OpenEnum):
    """Language in which a person is best helped."""

    NL = "nl"
    FR = "fr"
    EN = "en"
    OTHER = "other"
    UNKNOWN = "UNKNOWN"


class Criterion(OpenEnum):
    """One yes-or-no reason in a match."""

    DISTANCE = "DISTANCE"
    PUBLIC_TRANSPORT = "PUBLIC_TRANSPORT"
    DAYS = "DAYS"
    SAME_SUBREGION = "SAME_SUBREGION"
    IDLE_COMPANY = "IDLE_COMPANY"
    LANGUAGE = "LANGUAGE"
    ACCESSIBILITY = "ACCESSIBILITY"
    UNKNOWN = "UNKNOWN"


class ReferralKind(OpenEnum):
    """What a referral (doorverwijzing) asks of the partner."""

    ANSWER = "ANSWER"
    """the Steunpunt answers itself"""
    INFO = "INFO"
    """the person contacts the partner"""
    WARM = "WARM"
    """we contact the partner, the person agreed"""
    HANDOVER = "HANDOVER"
    """the partner takes the case over"""
    CONSULT = "CONSULT"
    """we ask the partner anonymously and answer ourselves"""
    SIGNAL = "SIGNAL"
    """structural, not about one person"""
    UNKNOWN = "UNKNOWN"


class DeliveryFailure(OpenEnum):
    """Why a mail or a webhook did not go out."""

    REFUSED = "REFUSED"
    """the receiving server refused it for good"""
    GAVE_UP = "GAVE_UP"
    """every attempt failed"""
    NO_ADDRESS = "NO_ADDRESS"
    """the organisation has no service address in our list, or no longer asks for this"""
    UNKNOWN = "UNKNOWN"


class DeadLetterReason(OpenEnum):
    """Why a record was set aside."""

    INVALID_ENVELOPE = "INVALID_ENVELOPE"
    """the headers are not a CloudEvent"""
    INVALID_DATA = "INVALID_DATA"
    """the value is not what the type promises"""
    REFUSED = "REFUSED"
    """the handler refused it for good"""
    EXHAUSTED = "EXHAUSTED"
    """every attempt failed"""
    BEHIND = "BEHIND"
    """an earlier record of the same key is a dead letter"""
    UNKNOWN = "UNKNOWN"


class ReferralProgress(OpenEnum):
    """How far a partner is with a referral."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    """the partner took note and will act"""
    PROGRESSED = "PROGRESSED"
    """the partner had contact and is at work"""
    CLOSED = "CLOSED"
    """the partner is done, with an outcome"""
    UNKNOWN = "UNKNOWN"


class ReferralOutcome(OpenEnum):
    """What came of a referral."""

    HELPED = "HELPED"
    """geholpen"""
    REFERRED_ON = "REFERRED_ON"
    """doorverwezen: somebody else helps now"""
    NOT_REACHED = "NOT_REACHED"
    """niet bereikbaar"""
    DECLINED = "DECLINED"
    """geweigerd: the person does not want to be helped"""
    NOT_COMPETENT = "NOT_COMPETENT"
    """niet bevoegd: our directory was wrong"""
    SAME_AS_OTHER = "SAME_AS_OTHER"
    """dubbel: it was there already"""
    UNKNOWN = "UNKNOWN"


class CaseOutcome(OpenEnum):
    """Why a case was closed."""

    WITHDRAWN = "WITHDRAWN"
    """ingetrokken: the person who asked does not need an answer any more"""
    UNKNOWN = "UNKNOWN"


class AgreementForm(OpenEnum):
    """The form of an agreement (overeenkomst); the programme decides which."""

    OAO = "OAO"
    """overeenkomst van alternerende opleiding"""
    SAO = "SAO"
    """stageovereenkomst alternerende opleiding"""
    DAO = "DAO"
    """deeltijdse arbeidsovereenkomst"""
    UNKNOWN = "UNKNOWN"


class AgreementStatus(OpenEnum):
    """What was reported of an agreement."""

    REGISTERED = "REGISTERED"
    ENDED = "ENDED"
    UNKNOWN = "UNKNOWN"


class EndReason(OpenEnum):
    """Why an agreement ended, in groups that say nothing of the person."""

    COMPLETED = "COMPLETED"
    """it ran until its last day"""
    BY_LEARNER = "BY_LEARNER"
    """the learner ended it early"""
    BY_COMPANY = "BY_COMPANY"
    """the company ended it early"""
    BY_SCHOOL = "BY_SCHOOL"
    """the school ended it early"""
    TOGETHER = "TOGETHER"
    """all three agreed to end it early"""
    UNKNOWN = "UNKNOWN"


class RejectionReason(OpenEnum):
    """Why the border did not take in a message of a partner."""

    INVALID_ENVELOPE = "INVALID_ENVELOPE"
    """it is not a CloudEvent; the field is the attribute"""
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    """no partner may send this type, perhaps it is misspelt"""
    TYPE_NOT_ALLOWED = "TYPE_NOT_ALLOWED"
    """the partner's manifest does not list this type"""
    SOURCE_NOT_YOURS = "SOURCE_NOT_YOURS"
    """the source belongs to somebody else"""
    INVALID_DATA = "INVALID_DATA"
    """the data is not what the type asks for; the field says where"""
    TOO_LARGE = "TOO_LARGE"
    """more bytes than one message may have"""
    TOO_OLD = "TOO_OLD"
    """its time lies too far back"""
    FROM_THE_FUTURE = "FROM_THE_FUTURE"
    """its time is still to come"""
    TOO_MANY = "TOO_MANY"
    """more messages than the quota of the partner"""
    UNKNOWN = "UNKNOWN"
