"""The page: launching, reading (capture), settling, acting, recording and showing hand-offs. The only user of Playwright."""
