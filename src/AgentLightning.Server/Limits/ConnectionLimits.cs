using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Server.Limits;

/// <summary>
/// Bounds the connections, all together and of each client address. Where one is too many, the one that has waited longest for a whole
/// request is closed, so that whoever opens connections and sends nothing, or half of a header, keeps nobody else out: not even others at
/// the same address, who send their requests at once. Where all are at work the new one is closed.
/// </summary>
internal sealed partial class ConnectionLimits(LightningServerOptions options, TimeProvider time, ILogger<ConnectionLimits> logger)
{
    private static readonly TimeSpan s_betweenLines = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<Slot> _waiting = [];
    private int _open;
    private long _closed,
        _told,
        _toldAt;

    /// <summary>Connections that were closed because they were too many.</summary>
    public long Closed => Interlocked.Read(ref _closed);

    /// <summary>Connections that are open.</summary>
    public int Open
    {
        get
        {
            lock (_lock)
            {
                return _open;
            }
        }
    }

    /// <summary>Keeps one connection, from its beginning to its end.</summary>
    public async Task HoldAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var slot = new Slot(this, connection, ClientNetwork.Of((connection.RemoteEndPoint as IPEndPoint)?.Address));
        var entered = TryEnter(slot, out var closed);
        closed.ForEach(old => old.Connection.Abort());
        if (!entered || closed.Count > 0)
        {
            Tell(slot.Address);
        }

        if (!entered)
        {
            connection.Abort();
            return;
        }

        connection.Features.Set(slot);
        try
        {
            await next(connection);
        }
        finally
        {
            lock (_lock)
            {
                Leave(slot);
            }
        }
    }

    /// <summary>Marks the connection of a request as being at work while it runs.</summary>
    public static async Task WorkAsync(HttpContext context, RequestDelegate next)
    {
        var slot = context.Features.Get<Slot>();
        slot?.Limits.Begin(slot);
        try
        {
            await next(context);
        }
        finally
        {
            slot?.Limits.End(slot);
        }
    }

    private bool TryEnter(Slot slot, out List<Slot> closed)
    {
        closed = [];
        lock (_lock)
        {
            var client = _clients.GetValueOrDefault(slot.Address) ?? new Client();
            if (client.Open >= options.MaxConnectionsPerAddress && !TryClose(client.Waiting, closed))
            {
                return false;
            }

            if (_open >= options.MaxConnections && !TryClose(_waiting, closed))
            {
                return false;
            }

            // The last one of the client may have gone just now.
            _clients[slot.Address] = client;
            client.Open++;
            _open++;
            Wait(slot, client);
            return true;
        }
    }

    private bool TryClose(LinkedList<Slot> waiting, List<Slot> closed)
    {
        if (waiting.First is not { Value: var oldest })
        {
            return false;
        }

        Leave(oldest);
        closed.Add(oldest);
        return true;
    }

    private void Leave(Slot slot)
    {
        if (slot.Left)
        {
            return;
        }

        slot.Left = true;
        var client = _clients[slot.Address];
        Rest(slot, client);
        _open--;
        if (--client.Open == 0)
        {
            _clients.Remove(slot.Address);
        }
    }

    private void Begin(Slot slot)
    {
        lock (_lock)
        {
            // One connection of HTTP/2 carries several requests.
            if (slot.Requests++ == 0 && !slot.Left)
            {
                Rest(slot, _clients[slot.Address]);
            }
        }
    }

    private void End(Slot slot)
    {
        lock (_lock)
        {
            if (--slot.Requests == 0 && !slot.Left)
            {
                Wait(slot, _clients[slot.Address]);
            }
        }
    }

    private void Wait(Slot slot, Client client)
    {
        _waiting.AddLast(slot.InAll);
        client.Waiting.AddLast(slot.OfClient);
    }

    private void Rest(Slot slot, Client client)
    {
        if (slot.InAll.List is not null)
        {
            _waiting.Remove(slot.InAll);
            client.Waiting.Remove(slot.OfClient);
        }
    }

    /// <summary>One line a minute, however many there are.</summary>
    private void Tell(string address)
    {
        var closed = Interlocked.Increment(ref _closed);
        long since;
        lock (_lock)
        {
            if (_toldAt != 0 && time.GetElapsedTime(_toldAt) < s_betweenLines)
            {
                return;
            }

            (_toldAt, since, _told) = (time.GetTimestamp(), closed - _told, closed);
        }

        LogClosed(logger, since, address, options.MaxConnectionsPerAddress, options.MaxConnections);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} connection(s) closed, the last for {Address}: at most {PerAddress} of one address and {All} in all are kept "
            + "(max_connections_per_address, max_connections). Told once a minute."
    )]
    private static partial void LogClosed(ILogger logger, long count, string address, int perAddress, int all);

    private sealed class Client
    {
        public int Open { get; set; }

        public LinkedList<Slot> Waiting { get; } = [];
    }

    /// <summary>One connection; its fields belong to the lock.</summary>
    private sealed class Slot
    {
        public Slot(ConnectionLimits limits, ConnectionContext connection, string address)
        {
            (Limits, Connection, Address) = (limits, connection, address);
            (InAll, OfClient) = (new LinkedListNode<Slot>(this), new LinkedListNode<Slot>(this));
        }

        public ConnectionLimits Limits { get; }

        public ConnectionContext Connection { get; }

        public string Address { get; }

        public LinkedListNode<Slot> InAll { get; }

        public LinkedListNode<Slot> OfClient { get; }

        public int Requests { get; set; }

        public bool Left { get; set; }
    }
}
