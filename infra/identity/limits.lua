-- Counts one attempt in every bucket, or in none: the generic cell rate algorithm (GCRA).
--
-- KEYS     hashes of buckets: one for whom the attempt is about, one for its network
-- ARGV[1]  the longest time that any bucket takes to become empty, in microseconds
-- then for each bucket: the number of its key, its field, the microseconds in which one attempt
--          leaves it, and how many attempts it holds
-- Gives    the microseconds to wait (0: admitted), then for each bucket how many attempts more it
--          holds and the microseconds until it holds one more than that
--
-- A bucket is one number: the time, in microseconds by the clock of this server, at which it will be
-- empty. A bucket that is empty need not exist.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- All is read before anything is written: a script that fails half-way is not undone.
local hashes = {}
for number, key in ipairs(KEYS) do
  local empty_at = {}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    -- tonumber alone takes 'nan', which compares as if the bucket were empty.
    if #flat[i + 1] > 16 or not string.find(flat[i + 1], '^%d+$') then
      error('a bucket holds no time')
    end
    empty_at[flat[i]] = tonumber(flat[i + 1])
  end
  hashes[number] = empty_at
end

local buckets = {}
local wait = 0
for i = 2, #ARGV, 4 do
  local hash, field = tonumber(ARGV[i]), ARGV[i + 1]
  local interval, limit = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local empty_at = math.max(hashes[hash][field] or now, now)
  -- No attempt can have filled it further: the clock was set back, or the quota made smaller.
  local overfull = empty_at > now + interval * limit
  if overfull then
    empty_at = now + interval * limit
  end
  wait = math.max(wait, empty_at + interval - (now + interval * limit))
  table.insert(buckets, {
    hash = hash, field = field, interval = interval, limit = limit,
    empty_at = empty_at, overfull = overfull,
  })
end

local answer = {wait}
local written = {}
for _, bucket in ipairs(buckets) do
  if wait == 0 then
    bucket.empty_at = bucket.empty_at + bucket.interval
  end
  if wait == 0 or bucket.overfull then
    written[bucket.hash] = written[bucket.hash] or {}
    table.insert(written[bucket.hash], bucket)
  end
  local free = now + bucket.interval * bucket.limit - bucket.empty_at
  local remaining = math.floor(free / bucket.interval)
  table.insert(answer, remaining)
  table.insert(answer, remaining == bucket.limit and 0 or (remaining + 1) * bucket.interval - free)
end

for number, changes in pairs(written) do
  local key, empty_at = KEYS[number], hashes[number]
  for _, bucket in ipairs(changes) do
    empty_at[bucket.field] = bucket.empty_at
    redis.call('HSET', key, bucket.field, string.format('%.0f', bucket.empty_at))
  end
  local latest = now
  for field, at in pairs(empty_at) do
    if at <= now then
      redis.call('HDEL', key, field)
    end
    latest = math.max(latest, at)
  end
  -- A second more, so that the key's end, by a coarser clock, never comes before the buckets'.
  local lasts = math.min(latest - now, tonumber(ARGV[1]))
  redis.call('PEXPIRE', key, math.ceil(lasts / 1000) + 1000)
end

return answer
