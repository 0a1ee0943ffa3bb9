/** One-sided confidence of every bound in these tables. */
const CONFIDENCE = 0.95;

/**
 * Lower bound of a probability of which `caught` of `audited` were seen, at 95 %: the exact one of Clopper and Pearson, by
 * bisection on the binomial tail. 300 of 300 gives 99.0 %.
 */
export function leastRate(caught: number, audited: number): number {
  return audited === 0 ? 0 : 1 - mostRate(audited - caught, audited);
}

/** Upper bound of a probability of which `seen` of `trials` were seen, at 95 %. */
export function mostRate(seen: number, trials: number): number {
  if (seen >= trials) return 1;
  let [low, high] = [seen / trials, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (atMost(seen, trials, middle) > 1 - CONFIDENCE) low = middle;
    else high = middle;
  }
  return high;
}

/** Probability of at most `seen` of `trials` at rate p; terms in logarithms, since p^n leaves float64's range. */
function atMost(seen: number, trials: number, p: number): number {
  let term = trials * Math.log1p(-p);
  let sum = Math.exp(term);
  for (let k = 1; k <= seen; k++) {
    term += Math.log((trials - k + 1) / k) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(term);
  }
  return sum;
}
