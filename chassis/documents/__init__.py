"""What is made for people to keep: PDF documents in the house style, and calendar files."""
