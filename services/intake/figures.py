"""The figures that intake shows to Prometheus, with their meaning. None has a label that names a person or a complaint."""

from prometheus_client import Counter

RECEIVED = Counter(
    "tanggap_intake_complaints_total",
    "Complaints that apps sent, by what became of them: accepted, repeated (the same sent again), conflict (its client key was"
    " used for another), malformed (not JSON), invalid (JSON with faults).",
    ["outcome"],
)
FOLDED = Counter(
    "tanggap_intake_events_total",
    "Events of the log that the read model took in, by outcome: applied, duplicate, illegal, unknown_complaint.",
    ["outcome"],
)
