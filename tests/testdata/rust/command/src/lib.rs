//! A command of WASI 0.3 that does what its first argument names.

use std::future::{Future, IntoFuture};

use futures::future::{join, select, Either};
use std::pin::pin;
use wasip3::cli::{environment, stdout};
use wasip3::clocks::monotonic_clock;
use wasip3::filesystem::preopens;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wasip3::sockets::types::{
    IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket, UdpSocket,
};
use wasip3::wit_bindgen::StreamReader;
use wasip3::wit_stream;

struct Command;
wasip3::cli::command::export!(Command);

impl wasip3::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        let args = environment::get_arguments();
        let text = match args[1].as_str() {
            "copy" => copy(&args[2], &args[3]).await,
            "list" => list().await,
            "accept" => accept(args[2].parse().unwrap()).await,
            "crowd" => crowd().await,
            "receive" => receive().await,
            "connect" => connect(args[2].parse().unwrap()).await,
            other => format!("unknown: {other}"),
        };
        print(&format!("{text}\n")).await;
        Ok(())
    }
}

async fn print(text: &str) {
    let (mut writer, reader) = wit_stream::new();
    let bytes = text.as_bytes().to_vec();
    let (result, _) = join(stdout::write_via_stream(reader).into_future(), async move {
        writer.write_all(bytes).await;
    })
    .await;
    result.unwrap();
}

/// Returns the result of `work`, or None after milliseconds, when it is cancelled.
async fn within<T>(ms: u64, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(monotonic_clock::wait_for(ms * 1_000_000))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn root() -> Descriptor {
    preopens::get_directories().remove(0).0
}

async fn open(name: &str, open: OpenFlags, flags: DescriptorFlags) -> Descriptor {
    root()
        .open_at(PathFlags::empty(), name.to_string(), open, flags)
        .await
        .unwrap()
}

/// Copies a file by streams whose descriptors are dropped first.
async fn copy(from: &str, to: &str) -> String {
    let source = open(from, OpenFlags::empty(), DescriptorFlags::READ).await;
    let target = open(to, OpenFlags::CREATE, DescriptorFlags::WRITE).await;
    let (stream, read) = source.read_via_stream(0);
    let written = target.write_via_stream(stream, 0);
    drop((source, target));
    let _others = open("others", OpenFlags::CREATE, DescriptorFlags::WRITE).await;
    let _more = open("others", OpenFlags::CREATE, DescriptorFlags::WRITE).await;
    format!("{:?} {:?}", written.await, read.await)
}

async fn list() -> String {
    let (entries, result) = root().read_directory();
    let mut names: Vec<_> = entries
        .collect()
        .await
        .into_iter()
        .map(|e| e.name)
        .collect();
    names.sort();
    format!("{names:?} {:?}", result.await)
}

fn loopback(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port,
        address: (127, 0, 0, 1),
    })
}

fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

/// Listens, prints the port, and returns the connections. The listening socket is dropped.
async fn listen() -> StreamReader<TcpSocket> {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).unwrap();
    socket.bind(loopback(0)).unwrap();
    let connections = socket.listen().unwrap();
    print(&format!("{}\n", port(socket.get_local_address().unwrap()))).await;
    connections
}

/// Echoes what clients send, one after the other.
async fn accept(clients: usize) -> String {
    let mut connections = listen().await;
    for _ in 0..clients {
        let client = connections.next().await.unwrap();
        let (bytes, received) = client.receive();
        let sent = client.send(bytes);
        sent.await.unwrap();
        received.await.unwrap();
    }
    format!("accepted {clients}")
}

/// Waits for a client with as many sockets as it may have, and again with one fewer.
async fn crowd() -> String {
    let mut connections = listen().await;
    let mut others = Vec::new();
    while let Ok(socket) = TcpSocket::create(IpAddressFamily::Ipv4) {
        others.push(socket);
    }
    let first = within(100, connections.next()).await.is_some();
    others.pop();
    let second = connections.next().await.is_some();
    format!("{first} {second}")
}

/// Stops waiting for a datagram, and receives the next one.
async fn receive() -> String {
    let socket = UdpSocket::create(IpAddressFamily::Ipv4).unwrap();
    socket.bind(loopback(0)).unwrap();
    let address = socket.get_local_address().unwrap();
    let first = within(10, socket.receive()).await.is_some();
    let other = UdpSocket::create(IpAddressFamily::Ipv4).unwrap();
    other
        .send(b"datagram".to_vec(), Some(address))
        .await
        .unwrap();
    let (bytes, _) = socket.receive().await.unwrap();
    format!("{first} {}", String::from_utf8(bytes).unwrap())
}

/// Connects from a bound socket, and echoes what the server sends.
async fn connect(to: u16) -> String {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).unwrap();
    socket.bind(loopback(0)).unwrap();
    match socket.connect(loopback(to)).await {
        Ok(()) => {
            let (bytes, _) = socket.receive();
            format!("{:?}", socket.send(bytes).await)
        }
        Err(error) => format!("{error:?}"),
    }
}
