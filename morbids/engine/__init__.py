"""What both levels stand on: nodes, savers, execution, progress, templates."""
