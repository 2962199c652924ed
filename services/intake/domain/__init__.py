"""Cases, learners and workplaces as they come in, and how a question gets its topics. Plain Python."""
