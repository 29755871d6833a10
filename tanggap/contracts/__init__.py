"""The published language: events, the lifecycle, SLA clocks and the city as data. It imports nothing of ours."""
