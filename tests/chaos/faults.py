"""What befalls a world. Each fault: begin, some seconds of it, end."""
import os
import signal


class Fault:
    """hold_s: how long it lasts, from and to."""
    hold_s = (0.2, 3.0)
    needs_apart = False  # namespaces and disks of one's own

    def __init__(self, world, rng):
        self.world, self.rng = world, rng

    def begin(self):
        raise NotImplementedError

    def end(self):
        pass

    def mend(self):
        """What is put back in order after the recovery."""


class RestartEdge(Fault):
    """As an administrator does: it seals and delivers what it can, then ends."""
    hold_s = (0.0, 0.5)

    def begin(self):
        self.world.edge.send(signal.SIGTERM)


class RestartStore(Fault):
    hold_s = (0.0, 0.5)

    def begin(self):
        self.world.store.send(signal.SIGTERM)


class KillEdge(Fault):
    hold_s = (0.0, 1.0)

    def begin(self):
        self.world.edge.kill()


class KillStore(Fault):
    hold_s = (0.0, 1.0)

    def begin(self):
        self.world.store.kill()


class KillOften(Fault):
    """Both, again and again, also while they start."""
    hold_s = (0.0, 0.2)

    def begin(self):
        for _ in range(5):
            self.world.run_for(self.rng.uniform(0.0, 0.8))
            self.rng.choice([self.world.edge, self.world.store]).kill()


class FreezeEdge(Fault):
    def begin(self):
        self.world.edge.send(signal.SIGSTOP)

    def end(self):
        self.world.edge.send(signal.SIGCONT)


class FreezeStore(Fault):
    def begin(self):
        self.world.store.send(signal.SIGSTOP)

    def end(self):
        self.world.store.send(signal.SIGCONT)


class StopPostgres(Fault):
    """As an administrator restarts it: sessions are ended."""

    def begin(self):
        self.world.servers.primary.stop()

    def end(self):
        self.world.servers.primary.start()


class KillPostgres(Fault):
    """kill -9 of all its processes; it recovers from its log."""

    def begin(self):
        self.world.servers.primary.kill()

    def end(self):
        self.world.servers.primary.start()


class FreezePostgres(Fault):
    def begin(self):
        self.pids = self.world.servers.primary.processes()
        self.send(signal.SIGSTOP)

    def end(self):
        self.send(signal.SIGCONT)

    def send(self, number):
        for pid in self.pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


class StopStandby(Fault):
    """Nothing may be acknowledged meanwhile: only the primary would have it."""

    def begin(self):
        self.world.servers.standby.kill()

    def end(self):
        self.world.servers.standby.start()


class FailOver(Fault):
    """The primary is killed while packages stream in, its standby promoted; later it gets a new one."""
    hold_s = (0.0, 0.0)

    def begin(self):
        self.dead = self.world.servers.fail_over()

    def mend(self):
        self.dead.remove()
        self.world.servers.gone.remove(self.dead)
        self.world.servers.add_standby()
        self.world.link_servers()


class DeafListener(Fault):
    """Who listens to the alerts is away, and asks for what it missed."""

    def begin(self):
        self.world.listener.leave()

    def end(self):
        self.world.listener.join()


class CutNetwork(Fault):
    """Packets vanish; the connection may live on, or be given up after 10 s."""
    hold_s = (0.5, 5.0)
    needs_apart = True

    def begin(self):
        self.world.network.set("down")

    def end(self):
        self.world.network.set("up")


class FullEdge(Fault):
    needs_apart = True

    def begin(self):
        self.world.edge_disk.fill(self.rng.choice([0, 4096, 65536]))

    def end(self):
        self.world.edge_disk.empty()


class FullStore(Fault):
    needs_apart = True

    def begin(self):
        self.world.media_disk.fill(self.rng.choice([0, 4096, 65536]))

    def end(self):
        self.world.media_disk.empty()


PARTS = {  # two faults of one round never touch the same part
    RestartEdge: "edge", RestartStore: "store", KillEdge: "edge", KillStore: "store",
    KillOften: "edge store", FreezeEdge: "edge", FreezeStore: "store", StopPostgres: "postgres",
    KillPostgres: "postgres", FreezePostgres: "postgres", StopStandby: "postgres",
    FailOver: "postgres", DeafListener: "listener", CutNetwork: "network", FullEdge: "edge-disk",
    FullStore: "media-disk"}
ALL = list(PARTS)


def may_meet(a, b):
    return not set(PARTS[a].split()) & set(PARTS[b].split())
