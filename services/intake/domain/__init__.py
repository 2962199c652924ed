"""What may happen to cases, learners and workplaces at the door, and how a question gets its topics. Plain Python."""
