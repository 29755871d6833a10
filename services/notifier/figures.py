"""Every figure that the notifier shows to Prometheus, with its meaning. The plumbing's are in `tanggap.platform.metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter(
    "tanggap_notifier_attempts_total",
    "Attempts to send an alert, by channel, by kind (assigned, triage, or informed: told for its information) and by what came of "
    "them.",
    ["channel", "kind", "outcome"],
)
RESENDS = Counter(
    "tanggap_notifier_resends_total",
    "Alerts sent again although an earlier attempt may have reached its official: the one window that SMTP leaves. "
    "Attempts that ended so are marked `unknown` in the table attempts, those that followed `resend`.",
    ["channel"],
)
ALERT_SECONDS = Histogram(
    "tanggap_notifier_alert_seconds",
    "Time from the record that called for an alert to the provider's taking it, seconds, by channel and kind.",
    ["channel", "kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200),
)
BACKLOG = Gauge("tanggap_notifier_backlog_alerts", "Alerts that wait to be sent or are being sent.", ["channel"])
BACKLOG_SECONDS = Gauge("tanggap_notifier_backlog_oldest_seconds", "Age of the oldest alert that waits.", ["channel"])
PROVIDER_UP = Gauge(
    "tanggap_notifier_provider_up", "1 where the last attempt reached the provider, 0 where it did not.", ["channel"]
)
UNREACHABLE = Counter("tanggap_notifier_unreachable_total", "Officials, or units without any, that no channel reached.")
UNTOLD = Counter(
    "tanggap_notifier_untold_total", "Complaints of which nobody could be told, up to the last of the chain: a person must act."
)
EVENTS = Counter("tanggap_notifier_events_total", "Events folded, by type and by what became of them.", ["type", "why"])
ACTS = Counter("tanggap_notifier_acts_total", "Acts tried on the page, by act and by what became of them.", ["act", "outcome"])
