// An SMSC of node-smpp. The password is "secret"; a message whose service_type is set is answered with it as a status in
// hexadecimal digits; a message to "0" makes it unbind. Each event is one JSON object a line on standard output.
const smpp = require('smpp');

const tell = (event) => console.log(JSON.stringify(event));
let lastId = 0;

const server = smpp.createServer((session) => {
  session.on('error', (error) => tell({ event: 'error', message: error.message }));
  session.on('close', () => tell({ event: 'close' }));
  session.on('bind_transceiver', (pdu) => {
    const status = pdu.password === 'secret' ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;
    session.send(pdu.response({ command_status: status, system_id: 'node' }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('submit_sm', (pdu) => {
    const text = (pdu.message_payload || pdu.short_message).message;
    tell({ event: 'submit_sm', text, data_coding: pdu.data_coding, udh: pdu.short_message.udh });
    const status = parseInt(pdu.service_type || '0', 16);
    const id = `n${++lastId}`;
    session.send(pdu.response({ command_status: status, message_id: id }));
    if (!status && pdu.registered_delivery) {
      session.deliver_sm({
        source_addr: pdu.destination_addr,
        destination_addr: pdu.source_addr,
        esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
        short_message: `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:`,
        receipted_message_id: id,
        message_state: smpp.MESSAGE_STATE.DELIVERED,
      }, (answer) => tell({ event: 'deliver_sm_resp', status: answer.command_status }));
    }
    if (pdu.destination_addr === '0') {
      session.unbind((answer) => tell({ event: 'unbind_resp', status: answer.command_status }));
    }
  });
});
server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
process.stdin.on('end', () => process.exit()).resume();
