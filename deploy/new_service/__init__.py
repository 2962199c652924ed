"""What a new service begins with: templates of its files, and the command that makes them."""
