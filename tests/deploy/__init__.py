"""What is deployed: the chart, its alerts, dashboards and their runbook."""
