-- The batch that raised a lane's head last. A batch is sent while the one before it is still being committed: the number alone
-- could be reached by another server's batch instead (decision 0026).
alter table lane_heads add column batch_id text collate "C" not null default '';
