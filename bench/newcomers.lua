-- For wrk: each request is a newcomer's, an IPv4 and an IPv6 address by turns.
local sent = 0

function request()
  sent = sent + 1
  local n = math.floor(sent / 2)
  local client
  if sent % 2 == 0 then
    client = string.format("9.%d.%d.%d", n / 65536, n / 256 % 256, n % 256)
  else
    client = string.format("2001:db8:%x:%x::1", n / 65536, n % 65536)
  end
  return wrk.format("GET", "/", { ["X-Forwarded-For"] = client })
end
