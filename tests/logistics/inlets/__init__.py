"""What carriers and their aggregators send: signed, read, broken, and posted over HTTP."""
