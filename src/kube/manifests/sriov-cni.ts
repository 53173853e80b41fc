import type { KubeObject } from '../../host.ts';
import type { KubeSettings } from '../defaults.ts';
import { daemonSet, hostPath } from './daemon-set.ts';

export const sriovCniDaemonSet = 'kube-sriov-cni-ds';
export const sriovCniPodLabel = 'name=sriov-cni';

/** Copies the CNI binary to the node and sleeps; the runtime does the rest. */
export const sriovCniObjects = (settings: KubeSettings): readonly KubeObject[] => [
  daemonSet(
    settings,
    { component: 'sriov-cni', name: sriovCniDaemonSet, app: 'sriov-cni', podName: 'sriov-cni' },
    {
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'kube-sriov-cni',
          image: settings.images.sriovCni,
          imagePullPolicy: settings.pullPolicy,
          securityContext: settings.privilegedCni
            ? { privileged: true }
            : {
                allowPrivilegeEscalation: false,
                privileged: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
          resources: {
            requests: { cpu: '10m', memory: '20Mi' },
            limits: { memory: '50Mi' },
          },
          volumeMounts: [{ name: 'cnibin', mountPath: '/host/opt/cni/bin' }],
        },
      ],
      volumes: [hostPath('cnibin', settings.cni.binDir)],
    },
  ),
];
