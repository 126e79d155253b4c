"""Local servers that speak the X API v2 and the Graph API over HTTP; nothing posted here is public.

`posts.sandbox.server` starts them, `posts.sandbox.app` builds the application. The sandbox shares nothing with
the publishers but the length rule of posts.text: everything else it judges by itself.
"""
