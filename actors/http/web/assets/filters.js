// A form of filters: its values are the address' query, so that a view can be sent to somebody.
import { get } from './api.js';
import { el } from './dom.js';

export class Filters {
  constructor(form, onChange) {
    this.form = form;
    const said = new URLSearchParams(location.search);
    for (const control of form.elements) {
      if (!control.name || !said.has(control.name)) continue;
      if (control.type === 'checkbox') control.checked = said.get(control.name) === control.value;
      else this.#choose(control, said.get(control.name));
    }
    form.addEventListener('change', () => this.#changed(onChange));
    form.addEventListener('reset', () => setTimeout(() => this.#changed(onChange)));
    form.addEventListener('submit', (event) => event.preventDefault());
  }

  // What a list that is not loaded yet will have.
  #choose(control, value) {
    if (![...control.options].some((option) => option.value === value)) control.append(el('option', { value }, value));
    control.value = value;
  }

  #changed(onChange) {
    const query = new URLSearchParams(location.search);
    for (const control of this.form.elements) if (control.name) query.delete(control.name);
    for (const [name, value] of Object.entries(this.values)) query.set(name, value);
    history.replaceState(null, '', `${location.pathname}${query.size ? `?${query}` : ''}`);
    onChange();
  }

  get values() {
    return Object.fromEntries([...new FormData(this.form)].filter(([, value]) => value !== ''));
  }

  get isEmpty() { return Object.keys(this.values).length === 0; }

  // The strategies by name; without them the filter says ids.
  async addStrategies() {
    const select = this.form.elements.strategy_entity_id, chosen = select.value;
    const { items } = await get('/strategies', { limit: 200 });
    select.replaceChildren(el('option', { value: '' }, 'any'), ...items.map(({ id, name }) => el('option', { value: id }, name)));
    this.#choose(select, chosen);
  }
}

// Whether a tune is one that the filters of GET /backtests/tunes let through.
export function fits(tune, { status, strategy_entity_id: strategy, objective_type: objective, oos_enabled: oos, valid_only: valid }) {
  return (!status || tune.status === status) && (!strategy || tune.strategy_entity_id === strategy)
    && (!objective || tune.objective_type === objective) && (!oos || (tune.oos_ratio !== null) === (oos === 'true'))
    && (!valid || (tune.status === 'completed' && tune.counts.completed > 0));
}
