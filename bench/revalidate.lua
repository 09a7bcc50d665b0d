-- wrk: send the last ETag as If-None-Match, as a browser does.
local tag

function request()
  return wrk.format(nil, nil, tag and { ["If-None-Match"] = tag } or nil)
end

function response(_, headers)
  tag = headers["ETag"] or tag
end
