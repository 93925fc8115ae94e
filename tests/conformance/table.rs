//! Every scenario for every worker, as a test of its own.

use super::worker::Kind;
use super::{bodies, callbacks, cancels, failures, fences, order, results, stops};

macro_rules! table {
    ($($file:ident: $($scenario:ident),+;)+) => {
        table!(@worker ours Ours $($($file $scenario)+)+);
        table!(@worker python Python $($($file $scenario)+)+);
        table!(@worker node Node $($($file $scenario)+)+);
    };
    (@worker $name:ident $kind:ident $($file:ident $scenario:ident)+) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $scenario() {
                    super::$file::$scenario(super::Kind::$kind).await;
                }
            )+
        }
    };
}

table! {
    results:
        the_record_is_as_the_protocol_says,
        a_task_without_any_header_or_id_is_named_after_its_place,
        no_more_tasks_run_than_there_are_slots,
        what_arrives_without_a_free_slot_is_handed_back,
        a_task_longer_than_its_lease_is_delivered_once;
    order:
        nothing_is_acked_before_the_puback;
    fences:
        a_redelivered_task_that_is_decided_is_acked_and_not_run,
        a_later_hop_that_is_decided_is_acked_and_not_run,
        a_result_that_the_fence_refuses_is_dropped_without_an_error,
        a_replayed_task_takes_the_place_of_the_record_it_names,
        a_replayed_task_whose_record_has_aged_out_completes;
    failures:
        a_failure_is_reported_whole_and_tried_again,
        a_permanent_failure_is_a_dead_letter,
        what_only_the_body_says_survives_a_report,
        unknown_headers_travel_on_a_report_and_orders_to_the_server_do_not,
        a_task_without_output_in_time_is_reported_and_its_slot_is_free,
        a_message_that_is_no_task_is_a_dead_letter,
        a_task_past_the_crash_limit_is_reported_and_not_run,
        a_result_that_does_not_fit_is_a_dead_letter;
    cancels:
        a_running_task_that_is_cancelled_is_stopped_and_its_slot_is_free,
        a_notice_without_a_record_stops_nothing;
    stops:
        a_stopped_worker_finishes_what_runs_and_starts_nothing_more,
        an_idle_worker_stops_at_once_and_takes_nothing_with_it;
    bodies:
        a_messagepack_body_is_read_and_carried_byte_for_byte;
    callbacks:
        a_record_with_a_callback_is_announced_before_the_ack,
        a_record_that_stands_is_announced_before_the_ack,
        a_cancelled_task_is_announced_before_the_ack;
}
