-- name: offsets
-- How far each service has read.
SELECT service, topic, partition, next_offset FROM danbao.consumer_offsets;
