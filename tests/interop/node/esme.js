// An ESME of node-smpp that does as it is told: one JSON object a line on standard input names a command and its fields,
// and the answer, or what the SMSC sends by itself, is one JSON object a line on standard output.
// Usage: node esme.js PORT
const readline = require('readline');
const smpp = require('smpp');

const tell = (event) => console.log(JSON.stringify(event));
const told = (pdu) => ({
  event: pdu.command,
  status: pdu.command_status,
  message_id: pdu.message_id,
  receipted_message_id: pdu.receipted_message_id,
});

const session = smpp.connect({ host: '127.0.0.1', port: Number(process.argv[2]) }, () => tell({ event: 'connect' }));
session.on('error', (error) => tell({ event: 'error', message: error.message }));
session.on('close', () => { tell({ event: 'close' }); process.exit(); });
for (const request of ['deliver_sm', 'enquire_link', 'unbind']) {
  session.on(request, (pdu) => session.send(pdu.response(), () => tell(told(pdu))));
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { command, fields } = JSON.parse(line);
  if (fields.udh) {
    fields.short_message = { udh: Buffer.from(fields.udh, 'hex'), message: fields.short_message };
  }
  session[command](fields, (pdu) => tell(told(pdu)));
}).on('close', () => session.close());
