using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AgentLightning.Benchmarks;

/// <summary>
/// One kept-alive connection that sends requests written beforehand: next to nothing of what it takes to send them is spent on the core
/// that the server needs.
/// </summary>
internal sealed class OtlpConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _answer = new byte[16_384];
    private readonly string _host;

    public OtlpConnection(Uri server)
    {
        _socket.Connect(IPAddress.Parse(server.Host), server.Port);
        _host = server.Authority;
    }

    /// <summary>Sends one request and waits for the answer, which must be 200 with an empty body: everything is stored.</summary>
    public async Task PostAsync(byte[] body)
    {
        var head = Encoding.ASCII.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"POST /v1/traces HTTP/1.1\r\nHost: {_host}\r\nContent-Type: application/x-protobuf\r\nContent-Length: "
                    + $"{body.Length}\r\n\r\n"
            )
        );
        IList<ArraySegment<byte>> parts = [head, body];
        for (var left = head.Length + body.Length; left > 0; )
        {
            var sent = await _socket.SendAsync(parts, SocketFlags.None);
            left -= sent;
            parts = left == 0 ? [] : [Rest(head, sent), Rest(body, sent - head.Length)];
        }

        var (received, end) = (0, -1);
        while (end < 0)
        {
            var count = await _socket.ReceiveAsync(_answer.AsMemory(received), SocketFlags.None);
            received += count;
            end =
                count == 0
                    ? throw new InvalidOperationException("The server closed the connection.")
                    : _answer.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
        }

        var answer = Encoding.UTF8.GetString(_answer, 0, received);
        if (
            !answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal)
            || !answer.Contains("Content-Length: 0\r\n", StringComparison.OrdinalIgnoreCase)
        )
        {
            throw new InvalidOperationException($"A request was answered with {answer}");
        }
    }

    public void Dispose() => _socket.Dispose();

    private static ArraySegment<byte> Rest(byte[] part, int sent) =>
        sent <= 0 ? part : new ArraySegment<byte>(part, Math.Min(sent, part.Length), Math.Max(0, part.Length - sent));
}
