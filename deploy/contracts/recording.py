"""Records a version, and says which side has to be deployed first."""

import re
from collections.abc import Iterable

from chassis.partners import Partner
from chassis.topics import PARTNER_TOPICS, TOPICS
from contracts.compatibility import Change, Order, order
from contracts.event import Declaration, Event
from contracts.schema import Version, file_name, recorded, text_of, version_of
from deploy.contracts.gate import Gate


def record(model: type[Event], gate: Gate) -> int:
    """Write both forms as the version after the last released one, replacing drafts; returns its number."""
    type_ = model.declaration.type
    place = gate.folder / type_
    released = gate.released(type_).keys()
    for draft in recorded(type_, gate.folder).keys() - released:
        for form in Version._fields:
            (place / file_name(draft, form)).unlink()
    number = max(released, default=0) + 1
    place.mkdir(parents=True, exist_ok=True)
    for form, schema in version_of(model)._asdict().items():
        (place / file_name(number, form)).write_text(text_of(schema), encoding="utf-8")
    return number


def who_goes_first(declaration: Declaration, found: list[Change], partners: Iterable[Partner]) -> str:
    """In which order to deploy these changes, with the writers and readers named in the manifests."""
    writers, readers = (", ".join(sorted(names)) or "nobody yet" for names in _sides(declaration, list(partners)))
    match order(found):
        case Order.READERS:
            return f"readers first ({readers}), then the writers ({writers})"
        case Order.WRITERS:
            return f"writers first ({writers}), then the readers ({readers})"
        case Order.EITHER:
            return f"writers ({writers}) and readers ({readers}) in any order"
        case None:
            return "some changes want readers first and others writers first: make it two versions, one after the other"


def _sides(declaration: Declaration, partners: list[Partner]) -> tuple[set[str], set[str]]:
    pattern = re.compile(re.sub("<[a-z]+>", "[^.]+", declaration.topic))
    topics = [topic for name, topic in (TOPICS | PARTNER_TOPICS).items() if pattern.fullmatch(name)]
    writers = {name for topic in topics for name in topic.producers}
    readers = {name for topic in topics for name in topic.consumers}
    names = {topic.name for topic in topics}
    if "partner" in writers:
        writers = {f"partner {partner.id}" for partner in partners if declaration.type in partner.publishes}
    if "partner" in readers:
        readers = {f"partner {partner.id}" for partner in partners}
    for partner in partners:
        if names.intersection(partner.reads) or any(declaration.type in webhook.types for webhook in partner.webhooks):
            readers.add(f"partner {partner.id}")
    return writers, readers
