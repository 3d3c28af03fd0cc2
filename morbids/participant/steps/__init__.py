"""What the nodes of the participant level compute."""
