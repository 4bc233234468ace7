"""One file per container engine, and the merge of what they report."""
