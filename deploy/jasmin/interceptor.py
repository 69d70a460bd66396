# The script of an MT interceptor. In jcli: mtinterceptor -a; type DefaultInterceptor;
# script python3(/etc/jasmin/interceptor.py). Jasmin sets `routable`, and reads the two statuses where they are set.
from smsgate_filter import status

if refused := status(routable):
    smpp_status = refused
    http_status = 403
