"""What the nodes of the group level compute."""
