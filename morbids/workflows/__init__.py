"""The only place that knows nipype."""
