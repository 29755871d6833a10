-- migrate:up

-- A third kind: a unit that is told at the same time, for its information. The kind belongs to the natural key: where a unit stands
-- both in the chain and among the informed, the one mail must not take the other's place.
ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_kind_check CHECK (kind IN ('assigned', 'triage', 'informed'));
ALTER TABLE notifications DROP CONSTRAINT notifications_cause_unit_code_address_channel_key;
ALTER TABLE notifications ADD CONSTRAINT notifications_natural_key UNIQUE (cause, unit_code, address, channel, kind);

-- migrate:down

DELETE FROM attempts USING notifications WHERE notifications.id = attempts.notification_id AND kind = 'informed';
DELETE FROM notifications WHERE kind = 'informed';
ALTER TABLE notifications DROP CONSTRAINT notifications_natural_key;
ALTER TABLE notifications ADD CONSTRAINT notifications_cause_unit_code_address_channel_key
UNIQUE (cause, unit_code, address, channel);
ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check;
ALTER TABLE notifications ADD CONSTRAINT notifications_kind_check CHECK (kind IN ('assigned', 'triage'));
