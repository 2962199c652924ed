"""The service of the hop: for each event it reads a meter's row, writes it and publishes one event."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime
from pydantic_settings import SettingsConfigDict

from chassis.cli import command_line
from chassis.handling import MessageContext, handles
from chassis.persistence.mapper import Mapper
from chassis.service import Service
from chassis.settings import Settings
from chassis.topics import TOPICS, Topic
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event, event
from contracts.vocabulary import Code, NisCode, Subregion

IN_TOPIC, OUT_TOPIC = "duaal.meters.readings", "duaal.meters.totals"
IN_TYPE, OUT_TYPE = "be.duaalwest.meters.MeterRead.v1", "be.duaalwest.meters.TotalChanged.v1"
PARTITIONS = 12


@event(IN_TYPE, topic=IN_TOPIC, key="meter_id")
class MeterRead(Event):
    """A meter was read; 300 bytes, with fields of the kinds in our own events."""

    meter_id: UUID
    reading_id: UUID
    number: int
    """Numbers the events of a run, so that the order of the output can be checked."""
    amount: int
    subregion: Subregion
    municipality: NisCode
    device: Code
    read_at: AwareDatetime
    estimated: bool = False
    note: str


@event(OUT_TYPE, topic=OUT_TOPIC, key="meter_id")
class TotalChanged(Event):
    """The total of a meter changed; as large as the event that caused it."""

    meter_id: UUID
    reading_id: UUID
    number: int
    total: int
    readings: int
    subregion: Subregion
    municipality: NisCode
    device: Code
    read_at: AwareDatetime
    note: str


@dataclass
class Meter:
    """The row that every event reads and writes."""

    id: UUID
    total: int
    readings: int
    last_reading: UUID | None
    last_at: datetime | None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def read(self, reading: MeterRead) -> None:
        """Add a reading."""
        self.total += reading.amount
        self.readings += 1
        self.last_reading = reading.reading_id
        self.last_at = reading.read_at
        self.pending_events.append(
            TotalChanged(
                meter_id=self.id,
                reading_id=reading.reading_id,
                number=reading.number,
                total=self.total,
                readings=self.readings,
                subregion=reading.subregion,
                municipality=reading.municipality,
                device=reading.device,
                read_at=reading.read_at,
                note=reading.note,
            )
        )


class Handlers:
    """The handler of the hop."""

    @handles(MeterRead, loads={Meter: "meter_id"})
    def add_reading(self, event: MeterRead, uow: UnitOfWork, _: MessageContext) -> None:
        """Add it to its meter."""
        uow.get(Meter, event.meter_id).read(event)


METERS = Mapper(Meter, "meters")
MIGRATIONS = Path(__file__).parent / "migrations"


class MeterSettings(Settings):
    """Each run has its own topics."""

    model_config = SettingsConfigDict(env_prefix="METERS_")

    in_topic: str
    out_topic: str


def build(settings: MeterSettings) -> Service:
    """The service. Its manifests are not in the contracts, so they are added here."""
    TOPICS[settings.in_topic] = _manifest(settings.in_topic, consumers=("meters",))
    TOPICS[OUT_TOPIC] = _manifest(settings.out_topic, consumers=())
    return Service("meters", Handlers(), [METERS], MIGRATIONS)


def _manifest(name: str, consumers: tuple[str, ...]) -> Topic:
    return Topic(
        name=name,
        description="Only for the benchmark.",
        owner="meters",
        producers=("meters",),
        consumers=consumers,
        key="meter_id",
        partitions=PARTITIONS,
        retention_days=1,
        data_class="internal",
    )


if __name__ == "__main__":
    command_line(MeterSettings, build)()
