"""What a complaint is about: the model, how it is built and how often it is right."""
