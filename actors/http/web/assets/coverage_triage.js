// What is done about a weak run: it is taken on, settled, or given back. What somebody has begun to
// write about a run is kept while the page is open, whatever happens to the run or is looked at.
import { act } from './act.js';
import { send } from './api.js';
import { el, toast } from './dom.js';
import { nameOf } from './coverage_candidate.js';
import { integer } from './format.js';

const NOTE_MOST = 1000;

const isAboutNote = ({ code, errors }) => code === 'RESOLUTION_NEEDS_EVIDENCE' || errors?.some(({ loc }) => /(^|\.)note$/.test(loc));

export class Triage {
  #run = null; #drafts = new Map(); #undo = null; #stamp = '';

  // onTaken(said): a run is now so. onLeft(): the form has gone, and with it the focus.
  constructor({ onTaken, onLeft }) {
    Object.assign(this, { onTaken, onLeft });
    const button = (word, key, kind, run) => el('button', { class: `button ${kind}`, type: 'button', 'aria-keyshortcuts': key, on: { click: run } }, word);
    this.acknowledge = button('Acknowledge', 'a', '', () => this.pressAcknowledge());
    this.resolve = button('Resolve…', 'r', 'primary', () => this.pressResolve());
    this.reopen = button('Reopen', null, '', () => this.#press(this.reopen, 'open'));
    this.buttons = el('div', { class: 'row' }, this.acknowledge, this.resolve, this.reopen);
    this.#makeForm();
    this.node = el('div', { class: 'panel-body triage' }, this.buttons, this.form);
  }

  #makeForm() {
    this.candidate = el('select', { name: 'candidate' });
    this.candidateField = el('label', { class: 'field' }, 'Settled by', this.candidate);
    this.note = el('textarea', { id: 'note', name: 'note', rows: '3', maxlength: String(NOTE_MOST), 'aria-describedby': 'note-hint note-error' });
    this.left = el('span', { id: 'note-hint' });
    this.error = el('span', { id: 'note-error', class: 'error', role: 'alert' });
    this.confirm = el('button', { class: 'button primary', type: 'submit' }, 'Resolve');
    this.form = el('form', { class: 'resolve', novalidate: true, hidden: true, 'aria-label': 'Resolve', on: {
      submit: (event) => this.#submit(event), input: () => this.#typed(), keydown: (event) => this.#keyed(event) } },
    this.candidateField, el('div', { class: 'field' }, el('label', { for: 'note' }, 'Note'), this.note, this.left, this.error),
    el('div', { class: 'row' }, this.confirm, el('button', { class: 'button', type: 'button', on: { click: () => this.#close() } }, 'Not now')));
  }

  show(run, candidates) {
    const isOther = run.run_id !== this.#run?.run_id;
    this.#run = run;
    this.#showButtons(run.coverage_status);
    this.#offer(candidates.filter(({ isMissing }) => !isMissing));
    if (isOther) this.#restore();
  }

  // The focus passes from a button that goes to one that stays.
  #showButtons(status) {
    const list = [this.acknowledge, this.resolve, this.reopen], hidden = [status !== 'open', status === 'resolved', status === 'open'];
    const had = list.includes(document.activeElement);
    list.forEach((button, i) => { button.hidden = hidden[i]; });
    if (had && document.activeElement.hidden) list.find((button) => !button.hidden).focus();
  }

  #offer(candidates) {
    const stamp = JSON.stringify(candidates.map((candidate) => [candidate.id, nameOf(candidate)])), chosen = this.candidate.value;
    this.candidateField.hidden = candidates.length === 0;
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.candidate.replaceChildren(el('option', { value: '' }, 'none of the candidates'), ...candidates.map((candidate) => el('option', { value: candidate.id }, nameOf(candidate))));
    this.candidate.value = candidates.some(({ id }) => id === chosen) ? chosen : '';
  }

  /* --- the form --------------------------------------------------------------------------- */

  #restore() {
    const { note = '', candidate = '', isOpen = false } = this.#drafts.get(this.#run.run_id) ?? {};
    this.note.value = note;
    this.candidate.value = candidate;
    if (this.candidate.selectedIndex < 0) this.candidate.value = '';
    this.form.hidden = !isOpen;
    this.#complain('');
    this.#count();
  }

  #keep(isOpen = true) {
    this.#drafts.set(this.#run.run_id, { isOpen, note: this.note.value, candidate: this.candidate.value });
  }

  #typed() {
    this.#complain('');
    this.#count();
    this.#keep();
  }

  #count() { this.left.textContent = `What was done about it. ${integer(NOTE_MOST - this.note.value.length)} characters are left.`; }

  #complain(sentence) {
    this.error.textContent = sentence;
    if (sentence) this.note.setAttribute('aria-invalid', 'true'); else this.note.removeAttribute('aria-invalid');
  }

  #keyed(event) {
    if (event.key === 'Escape') this.#close();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    else return;
    event.preventDefault();
  }

  #close() {
    this.#keep(false);
    this.form.hidden = true;
    (this.resolve.hidden ? this.reopen : this.resolve).focus();
  }

  // What settles it: the strategy by name, and what was written.
  #evidence() {
    const { selectedOptions: [option] } = this.candidate;
    return [option?.value && `Settled by ${option.textContent} (${option.value}).`, this.note.value.trim()].filter(Boolean).join(' ');
  }

  #submit(event) {
    const run = this.#run, note = this.#evidence();
    event.preventDefault();
    act(this.confirm, async () => {
      try {
        await this.#change(run, 'resolved', note);
      } catch (problem) {
        if (run.run_id !== this.#run.run_id || !isAboutNote(problem)) throw problem;
        this.#complain(problem.sentence);
        this.note.focus();
        return;
      }
      this.#drafts.delete(run.run_id);
      this.#done(run, 'resolved');
      if (run.run_id !== this.#run.run_id) return;
      const had = this.form.contains(document.activeElement);
      this.#restore();
      if (had) this.onLeft();
    });
  }

  /* --- what can be done ------------------------------------------------------------------- */

  pressAcknowledge() {
    if (this.#run.coverage_status === 'open') this.#press(this.acknowledge, 'acknowledged');
    else toast(`This run is ${this.#run.coverage_status} already.`);
  }

  pressResolve() {
    if (this.#run.coverage_status === 'resolved') { toast('This run is resolved already.'); return; }
    this.form.hidden = false;
    this.#keep();
    (this.candidateField.hidden ? this.note : this.candidate).focus();
  }

  pressUndo() {
    if (this.#undo) this.#undo();
    else toast('There is nothing to undo.');
  }

  #press(button, status) {
    const run = this.#run;
    act(button, async () => {
      await this.#change(run, status);
      this.#done(run, status);
    });
  }

  async #change(run, status, note = '') {
    const said = await send('PATCH', `/admin/coverage/weak/${run.run_id}`, { status, ...(note && { note }) });
    this.onTaken({ ...said, run_id: run.run_id, coverage_status: status });
  }

  // Undone, it is as it was: a run that somebody had taken on is theirs again.
  #done(run, status) {
    const was = run.coverage_status;
    this.#undo = null;
    if (status === 'open') { toast('Reopened.'); return; }
    const forget = toast(status === 'resolved' ? 'Resolved.' : 'Acknowledged.', '', { word: 'Undo', run: () => this.pressUndo() });
    this.#undo = () => {
      this.#undo = null;
      forget();
      act(this.reopen, async () => {
        await this.#change(run, was);
        toast(`Undone: the run is ${was} again.`);
      });
    };
  }
}
