-- For wrk: each connection waits for so many milliseconds before it asks again.
function delay()
  return 2
end
