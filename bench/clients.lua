-- For wrk: each request is one of 1,000 clients', who says in a header who it is.
local requests = {}

function init()
  for i = 1, 1000 do
    requests[i] = wrk.format("GET", "/", { ["X-Client"] = "client " .. i })
  end
end

function request()
  return requests[math.random(#requests)]
end
