"""Dashboards, alert rules and provisioning for those who watch runs with Prometheus and Grafana."""
