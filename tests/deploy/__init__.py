"""What is deployed: alerts, dashboards and their runbook."""
