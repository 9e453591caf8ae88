-- Work orders, notifications and maintenance, as an account limited to districts or domains sees them: see 0062.
-- Look-backs go over the whole city, so such an account sees none.
SELECT limit_rows('work_order', $$EXISTS (SELECT FROM alert AS a WHERE a.alert_id = work_order.alert_id)$$),
       limit_rows('work_order_event',
                  $$EXISTS (SELECT FROM work_order AS w WHERE w.work_order_id = work_order_event.work_order_id)$$),
       limit_rows('notification', $$EXISTS (SELECT FROM alert AS a WHERE a.alert_id = notification.alert_id)$$),
       limit_rows('maintenance_window',
                  $$EXISTS (SELECT FROM device AS d WHERE d.device_id = maintenance_window.device_id)
                    OR EXISTS (SELECT FROM site AS s WHERE s.site_id = maintenance_window.site_id)
                    OR EXISTS (SELECT FROM district AS d WHERE d.district_id = maintenance_window.district_id)$$);
