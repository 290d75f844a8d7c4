"""One folder is one provider; discovered by app, strangers to each other."""
