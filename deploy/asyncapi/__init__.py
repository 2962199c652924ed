"""AsyncAPI 3 documents and readable pages, made from the events, the topic manifests and the golden messages."""
