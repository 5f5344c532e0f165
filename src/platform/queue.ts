/** Delivery of jobs (pg-boss on PostgreSQL): what is here knows nothing of what a job is. */
export interface Queue {
  placeholder?: never;
}
