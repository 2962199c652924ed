"""What a service tells about itself: metrics, logs, health. Declared once, never an id or a value in a label."""
