"""The figures that routing shows to Prometheus, with their meaning. Label sets are bounded: never a ward, never a complaint."""

from prometheus_client import Counter, Gauge

DECISIONS = Counter(
    "tanggap_routing_decisions_total",
    "Decisions made, by outcome: assigned, or what kept routing from naming a unit (no_point, outside_city, only_kecamatan, "
    "unknown_category, unsure_category, no_category, no_rule).",
    ["outcome"],
)
REPEATED = Counter("tanggap_routing_repeated_total", "Records that were read again and whose decision stood already.")
PROVISIONAL = Counter(
    "tanggap_routing_provisional_clocks_total",
    "Decisions whose clocks touch a year of which the calendar knows no holidays: add that year to the city's calendar.",
)
WARDS_READ = Counter(
    "tanggap_routing_wards_read_total",
    "Times that the city's ward index had changed on disk and was read: taken, or refused because it is broken or of other wards.",
    ["outcome"],
)
POLICY_IN_USE = Gauge(
    "tanggap_routing_policy_in_use", "1 for the version of the policy by which this process decides.", ["version"]
)
POLICY_REFUSED = Gauge(
    "tanggap_routing_policy_refused",
    "Activated policies, counted back from the last, that this process's city can't take: the one before them is in use.",
)
POLICIES_READ = Counter(
    "tanggap_routing_policies_read_total",
    "Times that another policy had been activated and was read: taken, or refused because it does not fit the city.",
    ["outcome"],
)
