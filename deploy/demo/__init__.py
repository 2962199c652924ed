"""The main job on real input: a day of traffic through everything, a crash half way, and a verdict. No shortcuts."""
