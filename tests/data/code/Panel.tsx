import * as React from "react";

/** Shows one station with its last reading. */
export const Panel = ({ name, reading }: { name: string; reading: number }) => {
  return (
    <section className="panel">
      <h2>{name}</h2>
      <p>{reading} cm</p>
    </section>
  );
};
