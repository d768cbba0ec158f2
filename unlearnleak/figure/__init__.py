"""Figures: functions from runs to a chart, and from a chart to SVG, PDF and PNG."""
